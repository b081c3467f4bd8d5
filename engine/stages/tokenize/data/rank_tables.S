/* The rank tables as they stand in the files beside this one: MIT licence, Copyright (c) 2022 OpenAI,
   Shantanu Jain; from the npm package tiktoken 1.0.22 by scripts/make-token-data. */
  .section .rodata
  .balign 16
  .global penstock_cl100k_base_ranks
  .global penstock_cl100k_base_ranks_end
  .global penstock_o200k_base_ranks
  .global penstock_o200k_base_ranks_end
penstock_cl100k_base_ranks:
  .incbin "cl100k_base.ranks.zst"
penstock_cl100k_base_ranks_end:
penstock_o200k_base_ranks:
  .incbin "o200k_base.ranks.zst"
penstock_o200k_base_ranks_end:
  .section .note.GNU-stack,"",%progbits
