// Plain JavaScript that any Node runs: it says in one line what this machine lacks, before anything else is loaded.

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `soak: this is Node ${process.versions.node} and Node 24 is needed: run it by npm (npm run soak), or install Node 24 where npm has no node-${process.platform}-${process.arch} package\n`,
  );
  process.exit(1);
}

const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2));
