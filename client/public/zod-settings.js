// Runs before everything else: the office's content security policy forbids evaluating strings, which zod would try once.
globalThis.__zod_globalConfig = { jitless: true };
