// npm run check: types, format, lint, promises, unused code, and the rules of the protocol.
import { runWithDevelopmentPackages } from './launcher/bootstrap.mjs';

process.exitCode = await runWithDevelopmentPackages('check.ts', process.argv.slice(2));
