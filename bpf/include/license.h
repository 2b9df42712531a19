#pragma once
/* Helpers that read the kernel's memory are for GPL-compatible programs. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
