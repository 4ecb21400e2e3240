// Exit code 0 when the Unix socket of HEALTH, `SOCKET [PATH]`, answers GET PATH (/health) with 200.
import { get } from 'node:http';

const [socketPath, path = '/health'] = (process.env.HEALTH ?? '').split(' ');
const request = get({ socketPath, path, timeout: 2_000 }, (response) =>
  process.exit(response.statusCode === 200 ? 0 : 1),
);
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
