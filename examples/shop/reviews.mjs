// The end of the line: answers with reviews. Plain HTTP on loopback; it knows nothing of the mesh.
import { serve } from './serve.mjs';

serve('reviews', async () => ({ stars: [5, 4, 5], text: 'fits well, does not rust' }));
