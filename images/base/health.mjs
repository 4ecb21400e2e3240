// health.mjs SOCKET [PATH]: exit code 0 when GET PATH (/health) on the Unix socket answers 200.
import { get } from 'node:http';

const [socketPath, path = '/health'] = process.argv.slice(2);
const request = get({ socketPath, path, timeout: 2_000 }, (response) =>
  process.exit(response.statusCode === 200 ? 0 : 1),
);
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
