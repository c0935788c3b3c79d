/** The folder of the package as a URL: two up from every source, and from every file of dist/. */
export const packageRoot = new URL('../..', import.meta.url);
