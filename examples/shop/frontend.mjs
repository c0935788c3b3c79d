// Where people come in: asks products, answers with a page.
import { fetchJson, serve } from './serve.mjs';

serve('frontend', async (note) => ({
  page: 'the shop',
  shop: await fetchJson(process.env.PRODUCTS_URL, '/api/products', note),
}));
