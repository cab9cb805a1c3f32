/* test_bmp.c -- every form of BMP that is read gives its pixels, every other is refused by name, every cut is noticed.
 * The files are made here, field by field, as Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER are laid out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "unit/formats.h"

typedef struct bmp {
    int w, h; /* h negative: rows from the top */
    int bits, planes, compression, colours;
    int header; /* bytes: 12 or 40 */
    uint32_t mask[3];
    uint8_t rows[64]; /* padded rows as in the file */
    size_t row_bytes;
    uint8_t palette[16 * 4];
    size_t palette_bytes;
} bmp;

static void put(uint8_t *p, size_t *n, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) p[(*n)++] = (uint8_t)(v >> (8 * i));
}

static size_t file_of(const bmp *b, uint8_t p[400])
{
    const int header = b->header ? b->header : 40, planes = b->planes ? b->planes : 1;
    const bool fields = b->compression == 3;
    const size_t data_at = 14 + (size_t)header + (fields ? 12 : 0) + b->palette_bytes;
    size_t n = 0;
    put(p, &n, 'B' | 'M' << 8, 2);
    put(p, &n, (uint32_t)(data_at + b->row_bytes), 4);
    put(p, &n, 0, 4);
    put(p, &n, (uint32_t)data_at, 4);
    put(p, &n, (uint32_t)header, 4);
    put(p, &n, (uint32_t)b->w, header == 12 ? 2 : 4);
    put(p, &n, (uint32_t)b->h, header == 12 ? 2 : 4);
    put(p, &n, (uint32_t)planes, 2);
    put(p, &n, (uint32_t)b->bits, 2);
    if (header > 12) {
        put(p, &n, (uint32_t)b->compression, 4);
        for (int i = 0; i < 3; i++) put(p, &n, 0, 4);
        put(p, &n, (uint32_t)b->colours, 4);
        put(p, &n, 0, 4);
    }
    for (int k = 0; fields && k < 3; k++) put(p, &n, b->mask[k], 4);
    memcpy(p + n, b->palette, b->palette_bytes);
    n += b->palette_bytes;
    memcpy(p + n, b->rows, b->row_bytes);
    return n + b->row_bytes;
}

static void gives(const char *what, const bmp *b, const uint8_t *rgb)
{
    uint8_t file[400];
    fv_image im;
    fv_err err = { 0 };
    const size_t n = file_of(b, file);
    const int h = b->h < 0 ? -b->h : b->h;
    if (decode(&im, file, n, 3, &err) != FV_OK) fail_msg("%s: %s", what, err.msg);
    assert_int_equal(im.w, b->w);
    assert_int_equal(im.h, h);
    for (int i = 0; i < b->w * h * 3; i++)
        if (im.px[i] != rgb[i]) fail_msg("%s: byte %d is %d instead of %d", what, i, im.px[i], rgb[i]);
    fv_image_free(&im);
    refuse_every_cut(file, n);
}

/* Red and green above, blue and grey below. */
static const uint8_t four[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90 };

static void test_true_colours(void **state)
{
    (void)state;
    const bmp up = {
        .w = 2, .h = 2, .bits = 24, .row_bytes = 16, .rows = { 255, 0, 0, 90, 90, 90, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0 }
    };
    bmp down = up, core = up;
    gives("24 bits", &up, four);
    down.h = -2;
    memcpy(down.rows, up.rows + 8, 8);
    memcpy(down.rows + 8, up.rows, 8);
    gives("from the top", &down, four);
    core.header = 12;
    gives("OS/2's header", &core, four);
    const bmp wide = {
        .w = 2, .h = 2, .bits = 32, .row_bytes = 16, .rows = { 255, 0, 0, 7, 90, 90, 90, 7, 0, 0, 255, 7, 0, 255, 0, 7 }
    };
    gives("32 bits", &wide, four);
}

/* Five bits of all ones are 255, 16 of 31 are 16 * 255 / 31 = 131, cut. */
static void test_packed_colours(void **state)
{
    (void)state;
    const uint8_t want[] = { 255, 0, 0, 131, 131, 131 };
    const bmp five = { .w = 2, .h = 1, .bits = 16, .row_bytes = 4, .rows = { 0x00, 0x7c, 0x10, 0x42 } };
    gives("5-5-5", &five, want);
    const bmp six = { .w = 2,
                      .h = 1,
                      .bits = 16,
                      .row_bytes = 4,
                      .compression = 3,
                      .mask = { 0xf800, 0x7e0, 0x1f },
                      .rows = { 0x00, 0xf8, 0x10, 0x84 } };
    const uint8_t of_six[] = { 255, 0, 0, 131, 32 * 255 / 63, 131 };
    gives("5-6-5 by fields", &six, of_six);
    const bmp swapped = { .w = 1,
                          .h = 1,
                          .bits = 32,
                          .row_bytes = 4,
                          .compression = 3,
                          .mask = { 0xff, 0xff00, 0xff0000 },
                          .rows = { 1, 2, 3, 0 } };
    const uint8_t of_swapped[] = { 1, 2, 3 };
    gives("32 bits by fields", &swapped, of_swapped);
}

static void test_palettes(void **state)
{
    (void)state;
    bmp b = { .w = 3,
              .h = 1,
              .row_bytes = 4,
              .colours = 3,
              .palette_bytes = 12,
              .palette = { 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0 } }; /* B, G, R, 0: red, green, blue */
    const uint8_t want[] = { 0, 0, 255, 255, 0, 0, 0, 255, 0 };
    b.bits = 8;
    memcpy(b.rows, (uint8_t[]){ 2, 0, 1, 0 }, 4);
    gives("8 bits", &b, want);
    b.bits = 4;
    memcpy(b.rows, (uint8_t[]){ 0x20, 0x10, 0, 0 }, 4);
    gives("4 bits", &b, want);
    const uint8_t two[] = { 255, 0, 0, 0, 255, 0, 255, 0, 0 };
    b.bits = 1;
    b.colours = 0; /* two, then */
    b.palette_bytes = 8;
    memcpy(b.rows, (uint8_t[]){ 0x40, 0, 0, 0 }, 4);
    gives("1 bit", &b, two);
}

static void test_grey_is_pillows_luma(void **state)
{
    (void)state;
    uint8_t file[400];
    const bmp b = { .w = 1, .h = 1, .bits = 24, .row_bytes = 4, .rows = { 10, 100, 200 } };
    fv_image im;
    const size_t n = file_of(&b, file);
    assert_int_equal(decode(&im, file, n, 1, NULL), FV_OK);
    assert_int_equal(im.c, 1);
    assert_int_equal(im.px[0], (19595 * 200 + 38470 * 100 + 7471 * 10 + 32768) >> 16);
    fv_image_free(&im);
}

/* Index i of a palette of four stands for the grey 10 * i; rows as they are seen, from the top. */
static void runs_give(const char *what, int bits, const uint8_t *runs, size_t n, const char *seen)
{
    bmp b = { .w = 5,
              .h = 2,
              .bits = bits,
              .compression = bits == 8 ? 1 : 2,
              .colours = 4,
              .row_bytes = n,
              .palette_bytes = 16 };
    uint8_t rgb[30], file[400];
    fv_image im;
    for (int i = 0; i < 12; i++) b.palette[i / 3 * 4 + i % 3] = (uint8_t)(10 * (i / 3));
    memcpy(b.rows, runs, n);
    for (int i = 0; i < 10; i++) memset(rgb + 3 * i, 10 * (seen[i] - '0'), 3);
    if (decode(&im, file, file_of(&b, file), 3, NULL) != FV_OK) fail_msg("%s: refused", what);
    if (im.w != 5 || im.h != 2 || memcmp(im.px, rgb, sizeof rgb) != 0) fail_msg("%s: other pixels", what);
    fv_image_free(&im);
}
#define RUNS(what, bits, seen, ...)                                                                                    \
    runs_give(what, bits, (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), seen)

static void test_run_lengths(void **state)
{
    (void)state;
    RUNS("runs and plain pixels", 8, "1232011111", 5, 1, 0, 0, 0, 4, 1, 2, 3, 2, 1, 0, 0, 1);
    RUNS("an odd number of plain pixels", 8, "1230022222", 5, 2, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1);
    RUNS("a jump", 8, "0030011000", 2, 1, 0, 2, 0, 1, 1, 3, 0, 1);
    RUNS("a row that is too long is cut", 8, "0000033333", 9, 3, 0, 1);
    RUNS("an end without its mark", 8, "2222211111", 5, 1, 0, 0, 5, 2);
    RUNS("halves", 4, "1231012121", 5, 0x12, 0, 0, 0, 4, 0x12, 0x31, 0, 1);
    static const uint8_t cut[] = { 5, 1, 0, 0, 0, 4, 1, 2, 3 };
    bmp b = { .w = 5, .h = 2, .bits = 8, .compression = 1, .colours = 4, .palette_bytes = 16 };
    for (size_t n = 0; n <= sizeof cut; n++) {
        uint8_t file[400];
        fv_image im;
        fv_err err = { 0 };
        memcpy(b.rows, cut, n);
        b.row_bytes = n;
        assert_int_equal(decode(&im, file, file_of(&b, file), 3, &err), FV_FORMAT);
        assert_non_null(strstr(err.msg, "premature end"));
        assert_null(im.px);
    }
}

static void test_other_forms_are_refused_by_name(void **state)
{
    (void)state;
    const bmp plain = { .w = 1, .h = 1, .bits = 24, .row_bytes = 4 };
    static const struct {
        int w, h, bits, planes, compression;
        fv_status status;
        const char *said;
    } rows[] = {
        { 1, 1, 4, 1, 1, FV_FORMAT, "run lengths, 4 bits" },
        { 1, 1, 8, 1, 2, FV_FORMAT, "run lengths, 8 bits" },
        { 1, -1, 8, 1, 1, FV_FORMAT, "top down" },
        { 1, 1, 24, 1, 4, FV_UNSUP, "compression 4" },
        { 1, 1, 24, 1, 3, FV_FORMAT, "bit fields and 24 bits" },
        { 1, 1, 2, 1, 0, FV_UNSUP, "2 bits" },
        { 1, 1, 24, 2, 0, FV_FORMAT, "2 planes" },
        { 0, 1, 24, 1, 0, FV_FORMAT, "0 x 1" },
        { 1, 0, 24, 1, 0, FV_FORMAT, "1 x 0" },
        { -1, 1, 24, 1, 0, FV_FORMAT, "-1 x 1" },
        { 1 << 30, 1, 24, 1, 0, FV_FORMAT, "per side" },
        { 1, INT32_MIN, 24, 1, 0, FV_FORMAT, "2147483648" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bmp b = plain;
        uint8_t file[400];
        fv_image im;
        fv_err err = { 0 };
        b.w = rows[i].w, b.h = rows[i].h, b.bits = rows[i].bits;
        b.planes = rows[i].planes, b.compression = rows[i].compression;
        const size_t n = file_of(&b, file);
        if (decode(&im, file, n, 3, &err) != rows[i].status || !strstr(err.msg, rows[i].said))
            fail_msg("%s: '%s'", rows[i].said, err.msg);
        assert_null(im.px);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_colours), cmocka_unit_test(test_packed_colours),
        cmocka_unit_test(test_palettes),     cmocka_unit_test(test_grey_is_pillows_luma),
        cmocka_unit_test(test_run_lengths),  cmocka_unit_test(test_other_forms_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
