/**
 * Methods that are passed on, upper case only: RFC 9110 and 5789, what the WebDAV RFCs (2518, 3253, 3648, 3744, 4791,
 * 5323, 5842) add, and those of Exchange and UPnP that Privoxy knows.
 */
export const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'ORDERPATCH', 'ACL', 'SEARCH'],
  ...['MKCALENDAR', 'BIND', 'REBIND', 'UNBIND', 'REPORT', 'VERSION-CONTROL', 'CHECKOUT', 'CHECKIN'],
  ...['UNCHECKOUT', 'MKWORKSPACE', 'UPDATE', 'LABEL', 'MERGE', 'BASELINE-CONTROL', 'MKACTIVITY'],
  ...['BCOPY', 'BMOVE', 'BDELETE', 'BPROPFIND', 'BPROPPATCH', 'SUBSCRIBE', 'UNSUBSCRIBE', 'NOTIFY', 'POLL'],
]);
