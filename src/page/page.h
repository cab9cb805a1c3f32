/* page.h -- the pieces of which every report is made: HTML that needs nothing but itself (no script, no network), that
 * reads on a wide screen and on a telephone, by day and by night. All append to a writer, which is sticky: a page is
 * checked once, when it is saved. Text is escaped here and nowhere else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PAGE_H
#define FV_PAGE_H
#include "base/bytes.h"

typedef enum fv_tone { FV_TONE_PLAIN, FV_TONE_GOOD, FV_TONE_BAD, FV_TONE_WARN } fv_tone;

/* Text for an element or a quoted attribute: & < > " ' are escaped, control characters and what is not UTF-8 become
 * U+FFFD. NULL: nothing. */
void fv_html(fv_writer *w, const char *text);
void fv_html_printf(fv_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A number with so many decimals and a point in every locale; an en dash where it is not finite. */
void fv_html_number(fv_writer *w, double v, int decimals);

/* "2,278,604"; and "144.9 M", three or four digits and a thousands' letter. */
enum { FV_COUNT_TEXT = 32 };
const char *fv_count_text(char out[FV_COUNT_TEXT], int64_t v);
const char *fv_short_count(char out[FV_COUNT_TEXT], double v);

/* Around everything. `lead` is a line under the title, or NULL. */
void fv_page_head(fv_writer *w, const char *title, const char *lead);
void fv_page_foot(fv_writer *w);
/* The page to a file, in one step or not at all; FV_NOMEM where the writer failed before. */
fv_status fv_page_save(const fv_writer *w, const char *path, fv_err *err);

void fv_page_section(fv_writer *w, const char *title); /* a heading; what follows belongs to it */
void fv_page_text(fv_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a paragraph */
void fv_page_badge(fv_writer *w, fv_tone tone, const char *text); /* "holds", inside a line of text */
/* What follows, down to the unfold, is shown when its line is clicked; open: from the beginning. */
void fv_page_fold(fv_writer *w, bool open, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void fv_page_unfold(fv_writer *w);

/* What follows, down to the close, is shown only when a link leads to it. */
void fv_page_target_open(fv_writer *w, const char *id, int row, int column);
void fv_page_target_close(fv_writer *w);

/* The figures that matter most, large: between open and close, one call each. */
void fv_facts_open(fv_writer *w);
void fv_fact(fv_writer *w, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void fv_facts_close(fv_writer *w);

/* A table is filled cell by cell, row by row. On a narrow screen the rows of one with more than four columns become
 * cards, in which each cell brings its column's title. */
typedef struct fv_column {
    const char *title;
    bool number; /* to the right, digits below digits */
} fv_column;
typedef struct fv_table {
    fv_writer *w;
    const fv_column *column;
    int columns, at; /* at: cells of the present row so far */
} fv_table;
fv_table fv_table_open(fv_writer *w, const char *caption, const fv_column *column, int columns); /* borrows column */
void fv_cell(fv_table *t, const char *text);
void fv_cell_printf(fv_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fv_cell_number(fv_table *t, double v, int decimals);
void fv_cell_badge(fv_table *t, fv_tone tone, const char *text);
void fv_cell_link(fv_table *t, const char *href, const char *text);
void fv_table_close(fv_table *t);

/* Pictures side by side, inside the page. */
typedef struct fv_picture {
    const char *type; /* "image/png" */
    fv_bytes file;    /* the encoded picture */
    int w, h;         /* of it; small ones are enlarged with their pixels sharp; 0: as they are */
    const char *caption, *note;
    fv_tone tone; /* of its frame */
} fv_picture;
void fv_pictures_open(fv_writer *w);
void fv_picture_add(fv_writer *w, const fv_picture *p);
void fv_pictures_close(fv_writer *w);

/* A table of numbers whose cells are coloured by their size: confusion, correlation. */
typedef struct fv_heat {
    const char *title, *row_title, *column_title;
    int rows, columns;
    const char *const *row, *const *column; /* their names; NULL: numbers from 0 */
    const double *value;                    /* [row][column]; not finite: an empty cell */
    double low, high;                       /* no colour, full colour; both 0: the least and the greatest value */
    int decimals;
    const char *id; /* cells that are linked lead to the target (below) of this name, their row and column */
    const bool *linked;
} fv_heat;
void fv_heat_write(fv_writer *w, const fv_heat *h);

#endif
