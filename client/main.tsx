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

const device = inspectDevice(window);
applyTheme(document.documentElement, readTheme(device.shelf));

// After an update of the office an old page may ask for a part that is gone; drafts and messages are kept, so it reloads.
window.addEventListener('vite:preloadError', () => window.location.reload());

if (device.canWorkOffline && import.meta.env.PROD) {
  navigator.serviceWorker.register('/sw.js').catch((error: unknown) => {
    console.warn('The office will not open offline:', error);
  });
}

const root = document.getElementById('office');
if (root) render(() => <App device={device} />, root);
