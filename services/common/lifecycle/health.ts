import type { Stop } from '../core/stop.ts';
import type { ListenAddress } from '../net/listen-address.ts';
import { get, ok, type Route, serve } from '../unix-json/serve.ts';

export interface HealthSource {
  /** true once the service does its main job */
  ready(): boolean;
  /** plain JSON data; no names, keys or addresses of users */
  status(): unknown;
}

/** `GET /health` answers 200 or 503 with `{ready}`; `GET /status` the service's own JSON. */
export function healthRoutes(source: HealthSource): Readonly<Record<string, Route>> {
  return {
    'GET /health': get(() => {
      const ready = source.ready();
      return { status: ready ? 200 : 503, body: { ready } };
    }),
    'GET /status': get(() => ok(source.status())),
  };
}

/** A socket for nothing but health and status. Throws `ListenError`. */
export function serveHealth(address: ListenAddress, source: HealthSource): Promise<{ stop: Stop }> {
  return serve(address, healthRoutes(source));
}
