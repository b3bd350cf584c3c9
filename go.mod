module conclave.chat

go 1.26
