import { get } from 'node:http';
import { MeshError } from '../src/lib/errors.ts';
import type { Application } from './application.ts';
import type { RunningPair } from './pair-kind.ts';

/**
 * Makes sure that the pair carries what the application serves, byte for byte, before it is timed.
 *
 * @throws {MeshError} ERR_WIRE when something else came.
 */
export async function checkBodies(
  { name, port }: RunningPair,
  { bodies }: Application,
): Promise<void> {
  for (const [path, expected] of Object.entries(bodies)) {
    const body = await fetchBody(port, path);
    if (expected.equals(body)) continue;
    throw new MeshError(
      'ERR_WIRE',
      `${name} brings ${body.length} bytes for ${path} that are not the ${expected.length} of the application`,
    );
  }
}

function fetchBody(port: number, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    request.on('error', reject);
  });
}
