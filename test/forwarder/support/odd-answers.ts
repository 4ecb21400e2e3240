/** Answers as people's servers write them, and what becomes of each. */
export interface OddAnswer {
  readonly name: string;
  /** all that the site sends; then it closes */
  readonly bytes: string;
  /** what the client sees of ours: `STATUS BODY`, or the status of our refusal */
  readonly ours: string;
  /** what must be in the head that ours passes on, where the answer is repaired */
  readonly head?: RegExp;
  /** what the client sees of Privoxy 3.0.34; what curl prints, or its exit code */
  readonly privoxy: string;
  readonly curl: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';

export const ODD_ANSWERS: readonly OddAnswer[] = [
  {
    name: 'bare LF',
    bytes: 'HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 4\n\npage',
    ours: '200 page',
    head: /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/html\r\nContent-Length: 4\r\n/,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'LF in one line',
    bytes: `${OK}X-A: 1\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'blank before the colon',
    bytes: `${OK}X-A : b\r\nContent-Length : 4\r\n\r\npage`,
    ours: '200 page',
    head: /\r\nX-A: b\r\nContent-Length: 4\r\n/,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'control byte in a value',
    bytes: `${OK}Set-Cookie: a=\x01b\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'the same length twice',
    bytes: `${OK}Content-Length: 4\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    head: /^(?![\s\S]*length[\s\S]*length)[\s\S]*\r\nContent-Length: 4\r\n/i,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'a list of the same length',
    bytes: `${OK}Content-Length: 4, 4\r\n\r\npage`,
    ours: '200 page',
    head: /\r\nContent-Length: 4\r\n/,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'ICY',
    bytes: 'ICY 200 OK\r\nicy-metaint: 8192\r\n\r\npage',
    ours: '200 page',
    head: /^HTTP\/1\.1 200 OK\r\nicy-metaint: 8192\r\n/,
    privoxy: 'curl 1',
    curl: 'curl 1',
  },
  {
    name: '150 headers',
    bytes: `${OK}${Array.from({ length: 149 }, (_, i) => `X-${i}: 1\r\n`).join('')}Content-Length: 4\r\n\r\npage`,
    ours: '200 page',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'no reason',
    bytes: 'HTTP/1.1 200\r\nContent-Length: 4\r\n\r\npage',
    ours: '200 page',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'folded header',
    bytes: `${OK}X-A: 1\r\n 2\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    head: /\r\nX-A: 1 2\r\n/,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'line without a colon',
    bytes: `${OK}nonsense\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    head: /^HTTP\/1\.1 200 OK\r\nContent-Length: 4\r\n/,
    privoxy: 'curl 8',
    curl: 'curl 8',
  },
  {
    name: 'identity',
    bytes: `${OK}Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    privoxy: 'curl 28',
    curl: '200 page',
  },
  {
    name: 'chunks with blanks and LF',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n4 \r\npage\n0\n\n`,
    ours: '200 page',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'chunks without the last line',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n`,
    ours: '200 page',
    privoxy: 'curl 18',
    curl: 'curl 18',
  },
  {
    name: 'bare CR in a value',
    bytes: `${OK}X-A: 1\rSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\npage`,
    ours: '200 page',
    head: /\r\nX-A: 1 Set-Cookie: a=b\r\n/,
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'different lengths',
    bytes: `${OK}Content-Length: 4\r\nContent-Length: 2\r\n\r\npage`,
    ours: '502',
    privoxy: '200 pa',
    curl: '200 pa',
  },
  {
    name: 'a length that is none',
    bytes: `${OK}Content-Length: 4x\r\n\r\npage`,
    ours: '502',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'a length beside chunks',
    bytes: `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n`,
    ours: '502',
    privoxy: '200 page',
    curl: '200 page',
  },
  {
    name: 'NUL in a value',
    bytes: `${OK}X-A: 1\x002\r\nContent-Length: 4\r\n\r\npage`,
    ours: '502',
    privoxy: '502',
    curl: 'curl 8',
  },
  { name: 'no head at all', bytes: 'page', ours: '502', privoxy: '502', curl: 'curl 1' },
];
