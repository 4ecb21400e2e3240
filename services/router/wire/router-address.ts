import type { Codec } from '@allium/common/bytes/codec.ts';
import { mappingCodec } from './mapping.ts';
import { stringCodec } from './string.ts';

export interface RouterAddress {
  /** `NTCP2`, `SSU2`, … */
  readonly transport: string;
  /** 0 is free, 255 expensive */
  readonly cost: number;
  readonly options: ReadonlyMap<string, string>;
}

/** Common Structures, "RouterAddress". The expiration is all zero and must be. */
export const routerAddressCodec: Codec<RouterAddress> = {
  structure: 'RouterAddress',
  size: (value) => 1 + 8 + stringCodec.size(value.transport) + mappingCodec.size(value.options),
  write(out, value) {
    out.u8(value.cost).zeros(8);
    stringCodec.write(out, value.transport);
    mappingCodec.write(out, value.options);
  },
  read(input) {
    const cost = input.u8();
    if (input.u32() !== 0 || input.u32() !== 0) input.fail('value', 'RouterAddress that expires');
    const transport = stringCodec.read(input);
    return { transport, cost, options: mappingCodec.read(input) };
  },
};
