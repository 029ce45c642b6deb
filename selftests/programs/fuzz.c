// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: hostile configuration of adit devices, in the netns it runs in.
 *
 * fuzz [-s SEED] [-n COUNT] [-g GATEWAY] PHASE...
 * fuzz race|traffic|watch ... (fuzz_race.c)
 *
 * Owns: the command line and chance. Ends with 1 when something was wrong, which
 * it prints. The same seed sends the same messages, as long as the answers are
 * the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static uint64_t state = 1;

/* Seeds that are next to each other have nothing in common (splitmix64). */
void seed_set(uint64_t seed)
{
	seed += 0x9e3779b97f4a7c15;
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111eb;
	state = (seed ^ seed >> 31) | 1;
}

/* 0..n-1, by xorshift64* */
uint32_t rnd(uint32_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return n ? (state * 0x2545f4914f6cdd1d >> 32) % n : 0;
}

bool chance(unsigned int percent)
{
	return rnd(100) < percent;
}

void die(const char *what)
{
	fflush(stdout);
	perror(what);
	exit(2);
}

static void usage(void)
{
	unsigned int i;

	fputs("Usage: fuzz [-s SEED] [-n COUNT] [-g GATEWAY] PHASE...\n",
	      stderr);
	for (i = 0; phases[i].name; i++)
		fprintf(stderr, "       PHASE %s\n", phases[i].name);
	exit(2);
}

static bool run(const char *name, unsigned long long seed, unsigned int n)
{
	unsigned int i;
	int fd;

	for (i = 0; phases[i].name; i++) {
		if (strcmp(phases[i].name, name))
			continue;
		seed_set(seed + i);
		fd = open_route();
		phase_start(name, phases[i].makes);
		phases[i].run(fd, n);
		close(fd);
		return phase_end(phases[i].makes);
	}
	usage();
	return false;
}

int main(int argc, char **argv)
{
	unsigned long long seed = 1;
	unsigned int n = 1000;
	bool good = true;
	int opt;

	if (argc > 1 && !strcmp(argv[1], "race"))
		return race(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "traffic"))
		return traffic(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "watch"))
		return watch(argc - 1, argv + 1);
	while ((opt = getopt(argc, argv, "s:n:g:")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			n = strtoul(optarg, NULL, 0);
		else if (opt == 'g')
			gateway = optarg;
		else
			usage();
	}
	if (optind == argc)
		usage();
	for (; optind < argc; optind++)
		good &= run(argv[optind], seed, n);
	return !good;
}
