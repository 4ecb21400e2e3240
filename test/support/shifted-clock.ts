/** Loaded into a router by `--import`: its machine's clock is wrong by so many ms. */
const shift = Number(process.env.ALLIUM_TEST_CLOCK_SHIFT_MS);
const right = Date.now;
Date.now = () => right() + shift;
