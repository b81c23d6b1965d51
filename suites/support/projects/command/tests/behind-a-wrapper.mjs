// What a shell makes of a child that SIGSEGV has ended.
process.exitCode = 139
