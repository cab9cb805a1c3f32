/* page_style.h -- the one style sheet of all pages.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PAGE_STYLE_H
#define FV_PAGE_STYLE_H

extern const char fv_page_style[];

#endif
