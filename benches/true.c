/* The program of the launch measurements: it starts and ends. */
int main(void)
{
	return 0;
}
