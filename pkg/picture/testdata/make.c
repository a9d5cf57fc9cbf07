/* Makes progressive.jpg and cmyk.jpg, which neither Go nor ffmpeg can: cc make.c -ljpeg && ./a.out */
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>

enum { W = 80, H = 60 };

static void make(const char *path, int components, J_COLOR_SPACE space) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    FILE *f = fopen(path, "wb");
    if (!f) exit(1);
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, f);
    c.image_width = W, c.image_height = H, c.input_components = components, c.in_color_space = space;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 90, TRUE);
    if (components == 3) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < H; y++) {
        unsigned char row[W * 4];
        for (int x = 0; x < W; x++) {
            /* Red, green; blue, white. */
            unsigned char *p = row + x * components, rgb[3] = {0, 0, 0};
            int right = x >= W / 2, low = y >= H / 2;
            if (!right && !low) rgb[0] = 255;
            if (right && !low) rgb[1] = 255;
            if (!right && low) rgb[2] = 255;
            if (right && low) rgb[0] = rgb[1] = rgb[2] = 255;
            for (int i = 0; i < 3; i++) p[i] = rgb[i]; /* Adobe's CMYK is inverted: 255 is no ink */
            if (components == 4) p[3] = 255;
        }
        JSAMPROW r = row;
        jpeg_write_scanlines(&c, &r, 1);
    }
    jpeg_finish_compress(&c);
    fclose(f);
}

int main(void) {
    make("progressive.jpg", 3, JCS_RGB);
    make("cmyk.jpg", 4, JCS_CMYK);
    return 0;
}
