// A guest: any program may be one.

process.on("SIGTERM", () => process.exit(0));
console.log("prices run at", process.env.WAMPAPP_URL);
setInterval(() => {}, 1000);
