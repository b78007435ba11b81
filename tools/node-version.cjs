// Node 24 comes with the install on Linux; elsewhere the machine's own has to be new enough.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(`Node.js 24.12 or newer is needed here; this is ${process.version} (${process.execPath}).`)
  process.exit(1)
}
