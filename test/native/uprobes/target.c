/* Calls two functions for each byte that it is sent, and answers it. */
#include <unistd.h>

volatile int data = 1;

__attribute__((noinline, used)) int first(int value)
{
	asm volatile("");
	return value + data;
}

__attribute__((noinline, used)) int second(int value)
{
	asm volatile("");
	return value * data;
}

int main(void)
{
	char byte;
	while (read(0, &byte, 1) == 1) {
		data = first(second(1)) & 1;
		if (write(1, &byte, 1) != 1)
			return 1;
	}
	return 0;
}
