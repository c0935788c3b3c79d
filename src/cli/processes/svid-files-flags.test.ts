import { expect, it } from 'vitest';
import { svidFilesOf } from './svid-files-flags.ts';

const defaults = { certificate: 'svid.pem', key: 'svid_key.pem', bundle: 'svid_bundle.pem' };
const bare = { directory: '/d', names: defaults, hook: undefined, verify: undefined };

it.each([
  [{}, undefined],
  [{ svidFiles: '/d' }, bare],
  [
    { svidFiles: '/d', svidFileNames: 'tls.crt,tls.key,ca.crt' },
    { ...bare, names: { certificate: 'tls.crt', key: 'tls.key', bundle: 'ca.crt' } },
  ],
  [
    { svidFiles: '/d', onRotate: 'nginx -s reload', verifyTls: '127.0.0.1:443' },
    {
      ...bare,
      hook: { kind: 'command', command: 'nginx -s reload' },
      verify: { host: '127.0.0.1', port: 443 },
    },
  ],
  [
    { svidFiles: '/d', reloadPidFile: '/run/x.pid', reloadSignal: 'USR1' },
    { ...bare, hook: { kind: 'pid-file', path: '/run/x.pid', signal: 'SIGUSR1' } },
  ],
  [
    { svidFiles: '/d', reloadPidFile: '/run/x.pid' },
    { ...bare, hook: { kind: 'pid-file', path: '/run/x.pid', signal: 'SIGHUP' } },
  ],
] as const)('reads %j', (flags, expected) => {
  expect(svidFilesOf(flags)).toEqual(expected);
});

it.each([
  [{ onRotate: 'x' }, /--on-rotate is about files/],
  [{ verifyTls: 'a:1' }, /--verify-tls is about files/],
  [{ reloadPidFile: 'x' }, /--reload-pid-file is about files/],
  [{ svidFiles: '/d', onRotate: 'x', reloadPidFile: 'y' }, /either/],
  [{ svidFiles: '/d', svidFileNames: 'a,b' }, /three different names/],
  [{ svidFiles: '/d', svidFileNames: 'a,b,a' }, /three different names/],
  [{ svidFiles: '/d', svidFileNames: 'a,../b,c' }, /three different names/],
  [{ svidFiles: '/d', svidFileNames: 'a,..data,c' }, /three different names/],
  [{ svidFiles: '/d', verifyTls: 'nowhere' }, /nowhere/],
])('refuses %j', (flags, message) => {
  expect(() => svidFilesOf(flags)).toThrow(message);
});
