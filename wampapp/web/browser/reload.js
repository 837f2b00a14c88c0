// Reloads its page when the service has been started anew; for `wampapp run --reload`.

const alive = new URL("alive", import.meta.url);
alive.search = new URL(import.meta.url).search; // which start has made the page
let isLeaving = false;
addEventListener("beforeunload", () => (isLeaving = true));

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

// An answer that lasts as long as the process that gives it.
async function untilItEnds() {
  const { body } = await fetch(alive, { cache: "no-store" });
  const reader = body.getReader();
  while (!(await reader.read()).done);
}

// By 200, a later start answers; by 204, the process that ends.
async function untilItIsBack() {
  while ((await fetch(alive, { method: "HEAD" }).catch(() => null))?.status !== 200) await pause();
}

await untilItEnds().catch(() => {});
if (!isLeaving) {
  await untilItIsBack();
  location.reload();
}
