/* A copier that maps its source and takes no care of what happens when that gets shorter meanwhile. But for
   that it does as it should: a partial file of its own, flushed, with the times of the source, renamed, the
   directory flushed. The words are those of surecopy; the last two of them are the source and the target. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char chunk[256 << 10];

static void ensure(int is_so, const char *what) {
    if (!is_so) {
        perror(what);
        exit(1);
    }
}

int main(int count, char **words) {
    ensure(count > 3, "words");
    const char *source = words[count - 2], *target = words[count - 1];
    char partial[PATH_MAX], folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", target);
    const char *above = dirname(folder);
    snprintf(partial, sizeof partial, "%s/.surecopy-%d.partial", above, getpid());

    int from = open(source, O_RDONLY);
    struct stat about;
    ensure(from >= 0 && fstat(from, &about) == 0, source);
    size_t size = (size_t)about.st_size;
    const char *map = size > 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED, from, 0) : NULL;
    ensure(map != MAP_FAILED, "map");

    int to = open(partial, O_CREAT | O_EXCL | O_WRONLY, 0600);
    ensure(to >= 0, partial);
    for (size_t done = 0; done < size;) {
        size_t length = size - done < sizeof chunk ? size - done : sizeof chunk;
        /* Here it dies when there is nothing behind the map any more. */
        memcpy(chunk, map + done, length);
        ensure(write(to, chunk, length) == (ssize_t)length, partial);
        done += length;
    }
    struct timespec times[2] = {about.st_atim, about.st_mtim};
    ensure(fchmod(to, about.st_mode & 07777) == 0 && futimens(to, times) == 0, "attributes");
    ensure(fsync(to) == 0 && rename(partial, target) == 0, target);
    int dir = open(above, O_RDONLY | O_DIRECTORY);
    ensure(dir >= 0 && fsync(dir) == 0, above);
    puts("{\"type\": \"item\", \"status\": \"ok\", \"kind\": \"file\"}");
    puts("{\"type\": \"report\", \"outcome\": \"finished\"}");
    return 0;
}
