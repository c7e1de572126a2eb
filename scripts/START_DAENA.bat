@echo off
rem Starts Daena on Windows: double-click it, or run it from anywhere. Arguments go to npm start.
rem --no-pause: return the exit code instead of keeping the window open after an error.
setlocal
title Daena
set "KEEP_WINDOW=1"
set "START_ARGUMENTS="

:next_argument
if "%~1"=="" goto arguments_done
if /i "%~1"=="--no-pause" goto no_pause
set START_ARGUMENTS=%START_ARGUMENTS% %1
shift
goto next_argument
:no_pause
set "KEEP_WINDOW="
shift
goto next_argument

:arguments_done
cd /d "%~dp0.."
if errorlevel 1 goto no_folder
if not exist "package.json" goto no_folder

call node --version >nul 2>nul
if not errorlevel 1 goto node_found
rem Installed a moment ago, it is not on the PATH of windows that were open already.
if not exist "%ProgramFiles%\nodejs\node.exe" goto no_node
set "PATH=%ProgramFiles%\nodejs;%PATH%"
call node --version >nul 2>nul
if errorlevel 1 goto no_node
:node_found
call npm --version >nul 2>nul
if errorlevel 1 goto no_npm

call ollama --version >nul 2>nul
if not errorlevel 1 goto ollama_done
if exist "%LOCALAPPDATA%\Programs\Ollama\ollama.exe" goto ollama_done
echo Note: Ollama is not installed, so agents answer with a rehearsal model.
echo       For real models get it at https://ollama.com
:ollama_done

cmd /d /c npm start -- %START_ARGUMENTS%
if errorlevel 1 goto failed
if not errorlevel 0 goto failed
endlocal
exit /b 0

:no_folder
echo Daena's folder was not found beside this file: keep START_DAENA.bat in its scripts folder.
set "EXIT_CODE=1"
goto leave

:no_node
echo Daena needs Node.js, and it is not installed.
echo Get version 24 at https://nodejs.org and start this again.
set "EXIT_CODE=1"
goto leave

:no_npm
echo Node.js is installed without npm, which Daena needs.
echo Get version 24 at https://nodejs.org and start this again.
set "EXIT_CODE=1"
goto leave

:failed
set "EXIT_CODE=%errorlevel%"
echo.
echo Daena did not start, or ended with an error (code %EXIT_CODE%). The lines above say why.

:leave
if not defined KEEP_WINDOW goto return_code
echo.
echo Press a key to close this window.
pause >nul
:return_code
endlocal & exit /b %EXIT_CODE%
