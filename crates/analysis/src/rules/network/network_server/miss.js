const server = createServer();
server.listen(80);
