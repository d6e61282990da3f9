import { describe, expect, it } from 'vitest';
import { MeshError } from '../../src/core/errors.ts';
import { codeOf, type FaultContext, faultOf } from '../../src/transport/faults.ts';

const unsent: FaultContext = { service: 'orders', endpoint: '10.0.0.1:80', attempts: 1, sent: false };
const sent: FaultContext = { ...unsent, sent: true };

const error = (code: string, details: object = {}): Error =>
  Object.assign(new Error(`it is ${code}`), { code, ...details });

describe('what went wrong before the first byte left', () => {
  it.each([
    ['ECONNREFUSED', 'INMESH_CONNECT_FAILED'],
    ['EHOSTUNREACH', 'INMESH_CONNECT_FAILED'],
    ['ENETUNREACH', 'INMESH_CONNECT_FAILED'],
    ['EINVAL', 'INMESH_CONNECT_FAILED'],
    ['ETIMEDOUT', 'INMESH_CONNECT_FAILED'],
    ['ECONNRESET', 'INMESH_CONNECT_FAILED'],
    ['UND_ERR_CONNECT_TIMEOUT', 'INMESH_CONNECT_FAILED'],
    ['Unknown system error -122', 'INMESH_CONNECT_FAILED'],
    ['CERT_HAS_EXPIRED', 'INMESH_TLS'],
    ['CERT_NOT_YET_VALID', 'INMESH_TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'INMESH_TLS'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'INMESH_TLS'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'INMESH_TLS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'INMESH_TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'INMESH_TLS'],
    ['EPROTO', 'INMESH_TLS'],
    ['UND_ERR_INVALID_ARG', 'INMESH_REQUEST_INVALID'],
    ['UND_ERR_NOT_SUPPORTED', 'INMESH_REQUEST_INVALID'],
    ['UND_ERR_ABORTED', 'INMESH_ABORTED'],
    ['UND_ERR_DESTROYED', 'INMESH_RESET'],
  ])('%s is %s', (code, expected) => {
    expect(faultOf(error(code), unsent)).toMatchObject({ code: expected, sent: false, endpoint: '10.0.0.1:80' });
  });
});

describe('what went wrong after it', () => {
  it.each([
    ['ECONNRESET', 'INMESH_RESET'],
    ['EPIPE', 'INMESH_RESET'],
    ['UND_ERR_SOCKET', 'INMESH_RESET'],
    ['Unknown system error -122', 'INMESH_RESET'],
    ['HPE_INVALID_CHUNK_SIZE', 'INMESH_PROTOCOL'],
    ['UND_ERR_HEADERS_OVERFLOW', 'INMESH_PROTOCOL'],
    ['ERR_HTTP2_STREAM_ERROR', 'INMESH_PROTOCOL'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'INMESH_TLS'],
    ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'INMESH_REQUEST_INVALID'],
  ])('%s is %s, and may have been received', (code, expected) => {
    expect(faultOf(error(code), sent)).toMatchObject({ code: expected, sent: true });
  });

  it.each([
    ['HTTP/2 REFUSED_STREAM', error('ERR_HTTP2_STREAM_ERROR', { http2ErrorCode: 7 })],
    [
      'a GOAWAY below our stream',
      Object.assign(new Error('HTTP/2: "GOAWAY" frame received with code 0'), { code: 'UND_ERR_INFO' }),
    ],
  ])('%s proves that it was not', (_what, fault) => {
    expect(faultOf(fault, sent)).toMatchObject({ code: 'INMESH_RESET', blame: 'endpoint', sent: false });
  });

  it('another HTTP/2 error does not', () => {
    expect(faultOf(error('ERR_HTTP2_STREAM_ERROR', { http2ErrorCode: 2 }), sent).sent).toBe(true);
  });
});

describe('a fault', () => {
  it('that is known already stays what it is, however deep', () => {
    const known = new MeshError('INMESH_TLS', 'refused');
    expect(faultOf(known, sent)).toBe(known);
    expect(faultOf(new TypeError('fetch failed', { cause: known }), sent)).toBe(known);
  });

  it('keeps its cause, and says who, where and why', () => {
    const cause = error('ECONNREFUSED');
    const fault = faultOf(cause, unsent);
    expect(fault.cause).toBe(cause);
    expect(fault.message).toBe('No connection to orders at 10.0.0.1:80: it is ECONNREFUSED');
    expect(faultOf(error('ECONNRESET'), { ...sent, status: 200 }).message).toContain('broke off after status 200');
  });

  it('of OpenSSL is told in its reason, not in its source files', () => {
    const fault = error('ERR_SSL_WRONG_VERSION_NUMBER', { reason: 'wrong version number' });
    expect(faultOf(fault, unsent).message).toContain('failed: wrong version number. Check');
  });

  it('without a code, or that is no error at all, is a fault nevertheless', () => {
    expect(faultOf(new Error('odd'), sent).code).toBe('INMESH_RESET');
    expect(faultOf('odd', unsent)).toMatchObject({ code: 'INMESH_CONNECT_FAILED' });
    expect(faultOf(undefined, sent).message).toContain('undefined');
  });
});

describe('the code', () => {
  it('is found beneath causes, and in the first of several errors', () => {
    expect(codeOf(new Error('outer', { cause: error('EPIPE') }))).toBe('EPIPE');
    expect(codeOf(new AggregateError([error('ECONNREFUSED'), error('ENETUNREACH')]))).toBe('ECONNREFUSED');
    expect(codeOf(new Error('none'))).toBe('');
  });

  it('is looked for in an end of causes, be they a circle', () => {
    const circle = new Error('circle');
    circle.cause = circle;
    expect(codeOf(circle)).toBe('');
  });
});
