import { render } from 'solid-js/web';
import { App } from './office/app.tsx';
import { applyTheme, readTheme } from './office/theme.ts';
import { inspectDevice } from './sync/device.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/ui.css';
import './styles/office.css';
import './styles/timeline.css';
import './styles/map.css';

const RELOADED_KEY = 'daena/reloaded';
const RELOAD_PAUSE_MS = 60_000;

const device = inspectDevice(window);
applyTheme(document.documentElement, readTheme(device.shelf));

// After an update of the office an old page may ask for a part that is gone. Drafts and messages are kept, so it
// reloads; but only if the office is there to answer, and not again and again.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem(RELOADED_KEY) ?? 0);
  if (Date.now() - last < RELOAD_PAUSE_MS) return;
  fetch('/livez', { cache: 'no-store' }).then(
    ({ ok }) => {
      if (!ok) return;
      sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
      window.location.reload();
    },
    () => undefined,
  );
});

if (device.canWorkOffline && import.meta.env.MODE === 'production') {
  navigator.serviceWorker.register('/sw.js').catch((error: unknown) => {
    console.warn('The office will not open offline:', error);
  });
}

const root = document.getElementById('office');
if (root) render(() => <App device={device} />, root);
