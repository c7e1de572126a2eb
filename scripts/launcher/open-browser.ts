import { spawn } from 'node:child_process';

type Environment = Readonly<Record<string, string | undefined>>;
type Command = Readonly<{ program: string; args: readonly string[] }>;

/** How to open an address on this machine, or null where there is no desktop to open it on. */
export function browserCommand(url: string, platform: NodeJS.Platform, environment: Environment): Command | null {
  if (environment.CI || environment.SSH_CONNECTION) return null;
  switch (platform) {
    case 'win32':
      return { program: 'rundll32', args: ['url.dll,FileProtocolHandler', url] };
    case 'darwin':
      return { program: 'open', args: [url] };
    default:
      return environment.DISPLAY || environment.WAYLAND_DISPLAY ? { program: 'xdg-open', args: [url] } : null;
  }
}

/** Opens an address where there is a desktop; where that fails, the address that was printed is what people use. */
export function openBrowser(url: string, environment: Environment): void {
  const command = browserCommand(url, process.platform, environment);
  if (command === null) return;
  const child = spawn(command.program, command.args, { stdio: 'ignore', detached: true });
  child.once('error', () => undefined);
  child.unref();
}
