import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import solid from 'vite-plugin-solid';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Everything the server answers itself; the service worker must never stand in for it. */
const LIVE_PATHS = [/^\/api\//, /^\/sync\//, /^\/ws\//, /^\/internal\//, /^\/(health|livez|readyz|metrics)/];

export default defineConfig({
  root,
  plugins: [
    solid(),
    VitePWA({
      strategies: 'generateSW',
      injectRegister: null,
      registerType: 'autoUpdate',
      includeAssets: ['mark.svg', 'mark-192.png', 'mark-512.png'],
      manifest: {
        name: 'Daena',
        short_name: 'Daena',
        description: 'An office where people and AI agents work in the same conversations.',
        start_url: '/',
        display: 'standalone',
        background_color: '#12141a',
        theme_color: '#12141a',
        icons: [
          { src: '/mark.svg', sizes: 'any', type: 'image/svg+xml' },
          { src: '/mark-192.png', sizes: '192x192', type: 'image/png' },
          { src: '/mark-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
        ],
      },
      workbox: {
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
        navigateFallback: '/index.html',
        navigateFallbackDenylist: LIVE_PATHS,
        cleanupOutdatedCaches: true,
        clientsClaim: true,
        skipWaiting: true,
        sourcemap: false,
      },
    }),
  ],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 700 },
});
