const DEFAULT_PORT = 11434;

/** Where a client reaches Ollama, and whether that is this machine; or null for a text that is no address. */
export type OllamaAddress = Readonly<{ url: string; isLocal: boolean }>;

/**
 * Reads OLLAMA_HOST as Ollama does: `host`, `host:port`, `:port` or a URL; no scheme means port 11434, `http://`
 * without a port 80, `https://` 443. Bind addresses (0.0.0.0, ::) become loopback. Null: not an address.
 */
export function readOllamaAddress(text: string): OllamaAddress | null {
  const trimmed = text.trim();
  const hasScheme = /^https?:\/\//i.test(trimmed);
  if (!hasScheme && trimmed.includes('://')) return null;
  const withHost = trimmed.startsWith(':') && /^:\d+/.test(trimmed) ? `127.0.0.1${trimmed}` : trimmed;
  const bracketed = /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$/i.test(withHost) ? `[${withHost}]` : withHost;
  if (!URL.canParse(hasScheme ? trimmed : `http://${bracketed}`)) return null;
  const url = new URL(hasScheme ? trimmed : `http://${bracketed}`);
  // URL drops a port that is the scheme's default, so `host:80` is recognised in the text.
  if (!hasScheme && url.port === '' && !/:80\/?$/.test(bracketed)) url.port = String(DEFAULT_PORT);
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  return { url: url.href.replace(/\/$/, ''), isLocal };
}
