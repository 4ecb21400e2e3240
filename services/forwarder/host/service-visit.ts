import type { Duplex } from 'node:stream';
import { phraseOf } from '../http/phrases.ts';
import type { Visitor } from '../i2p/server-headers.ts';
import type { Answer } from '../pages/answer.ts';
import { answerLimits, DEFAULT_LIMITS } from './context.ts';
import type { ServiceLimits } from './service-limits.ts';
import { type Terms, Visit } from './visit.ts';

/** Requests of one visitor that are answered out of what had come before the one in front of them was. */
const VISITOR_PIPELINE_MAX = 4;

export interface LocalService {
  /** of its Unix socket */
  readonly path: string;
  /** what Host says to it, in place of what visitors send */
  readonly hostHeader: string | undefined;
}

/** One stream of a visitor to a service that speaks HTTP. */
export class ServiceVisit extends Visit {
  readonly visitor: Visitor;
  readonly service: LocalService;

  constructor(stream: Duplex, terms: Terms, visitor: Visitor, service: LocalService) {
    super(stream, terms);
    this.visitor = visitor;
    this.service = service;
  }
}

/** What holds for visitors. */
export function visitorTerms(limits: ServiceLimits, count: Terms['count']): Terms {
  return {
    requestHead: DEFAULT_LIMITS,
    answerHead: answerLimits(DEFAULT_LIMITS),
    headMs: limits.headMs,
    keepAliveMs: limits.keepAliveMs,
    parentKeepAliveMs: 0,
    silenceMs: limits.idleMs,
    tunnelIdleMs: limits.tunnelIdleMs,
    lingerMs: limits.closeMs,
    pipelineMax: VISITOR_PIPELINE_MAX,
    connectionHeaders: (keep) => ['Connection', keep ? 'keep-alive' : 'close'],
    slow: bareAnswer(408),
    count,
  };
}

/** Says nothing about the machine behind the stream. */
export function bareAnswer(status: number): Answer {
  return { status, phrase: phraseOf(status), headers: [], body: new Uint8Array(), close: true };
}
