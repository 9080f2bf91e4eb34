/* CHUNK values in order, in each lane, without leaving the registers: the pairs of network_pairs in
 * combine.c that lie in a chunk. Included by combine_pixels.h. */
#define ORDER(a, b)                                      \
    {                                                    \
        const VALUE smaller = v##a < v##b ? v##a : v##b; \
        v##b = v##a > v##b ? v##a : v##b;                \
        v##a = smaller;                                  \
    }

INLINED void order_chunk(Lanes *w)
{
    for (int i = 0; i < WIDTH; i++) {
        VALUE v0 = w[0][i], v1 = w[1][i], v2 = w[2][i], v3 = w[3][i];
        VALUE v4 = w[4][i], v5 = w[5][i], v6 = w[6][i], v7 = w[7][i];
        VALUE v8 = w[8][i], v9 = w[9][i], v10 = w[10][i], v11 = w[11][i];
        VALUE v12 = w[12][i], v13 = w[13][i], v14 = w[14][i], v15 = w[15][i];
        ORDER(0, 1) ORDER(2, 3) ORDER(4, 5) ORDER(6, 7) ORDER(8, 9) ORDER(10, 11) ORDER(12, 13) ORDER(14, 15)
        ORDER(0, 2) ORDER(1, 3) ORDER(4, 6) ORDER(5, 7) ORDER(8, 10) ORDER(9, 11) ORDER(12, 14) ORDER(13, 15)
        ORDER(1, 2) ORDER(5, 6) ORDER(9, 10) ORDER(13, 14)
        ORDER(0, 4) ORDER(1, 5) ORDER(2, 6) ORDER(3, 7) ORDER(8, 12) ORDER(9, 13) ORDER(10, 14) ORDER(11, 15)
        ORDER(2, 4) ORDER(3, 5) ORDER(10, 12) ORDER(11, 13)
        ORDER(1, 2) ORDER(3, 4) ORDER(5, 6) ORDER(9, 10) ORDER(11, 12) ORDER(13, 14)
        ORDER(0, 8) ORDER(1, 9) ORDER(2, 10) ORDER(3, 11) ORDER(4, 12) ORDER(5, 13) ORDER(6, 14) ORDER(7, 15)
        ORDER(4, 8) ORDER(5, 9) ORDER(6, 10) ORDER(7, 11)
        ORDER(2, 4) ORDER(3, 5) ORDER(6, 8) ORDER(7, 9) ORDER(10, 12) ORDER(11, 13)
        ORDER(1, 2) ORDER(3, 4) ORDER(5, 6) ORDER(7, 8) ORDER(9, 10) ORDER(11, 12) ORDER(13, 14)
        w[0][i] = v0;
        w[1][i] = v1;
        w[2][i] = v2;
        w[3][i] = v3;
        w[4][i] = v4;
        w[5][i] = v5;
        w[6][i] = v6;
        w[7][i] = v7;
        w[8][i] = v8;
        w[9][i] = v9;
        w[10][i] = v10;
        w[11][i] = v11;
        w[12][i] = v12;
        w[13][i] = v13;
        w[14][i] = v14;
        w[15][i] = v15;
    }
}
#undef ORDER
