// Serves the files of a directory over HTTP, for tests without a network:
//
//   node file_server.mjs DIRECTORY
//
// Prints its port. Of a file *.cut, and of the file that it names without .cut, only half arrives.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';

const directory = process.argv[2];
const server = createServer((request, response) => {
  const path = join(directory, normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname)));
  let content;
  try {
    content = readFileSync(path.endsWith('/') ? path + 'index' : path);
  } catch {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error":"Not found"}');
    return;
  }
  response.writeHead(200, { 'content-length': content.length });
  if (existsSync(path + '.cut')) {
    response.write(content.subarray(0, content.length / 2));
    setTimeout(() => response.destroy(), 100);
  } else {
    response.end(content);
  }
});
server.listen(0, 'localhost', () => console.log(server.address().port));
