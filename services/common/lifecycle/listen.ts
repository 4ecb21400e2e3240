export { ListenError, type ListenErrorFacts, listen } from '../net/listen.ts';
export { type ListenAddress, parseListenAddress } from '../net/listen-address.ts';
