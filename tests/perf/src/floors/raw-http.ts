// F1: the least a Node server can do for a POST: read the body, answer 202.
import { createServer } from 'node:http'
import { listen } from '../load/program.ts'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    Buffer.concat(chunks)
    response.statusCode = 202
    response.end()
  })
})
process.send?.({ port: await listen(server) })
