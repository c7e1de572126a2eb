// npm test: installs what tests need, then runs them. Arguments go to vitest: npm test -- tests/scripts
import { runWithDevelopmentPackages } from './launcher/bootstrap.mjs';

process.exitCode = await runWithDevelopmentPackages('test.ts', process.argv.slice(2));
