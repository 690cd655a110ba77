// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tokenizers, templates, prompts: text without tensors. All of it.
#include <proximal/text/added_tokens.hpp>
#include <proximal/text/added_tokens_of_folder.hpp>
#include <proximal/text/bpe.hpp>
#include <proximal/text/bpe_cache.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <proximal/text/byte_level.hpp>
#include <proximal/text/character_class.hpp>
#include <proximal/text/chat_template.hpp>
#include <proximal/text/completion_text.hpp>
#include <proximal/text/csv.hpp>
#include <proximal/text/dataset_files.hpp>
#include <proximal/text/demonstrations.hpp>
#include <proximal/text/encode_rows.hpp>
#include <proximal/text/merge_table.hpp>
#include <proximal/text/normalizer.hpp>
#include <proximal/text/oniguruma_pattern.hpp>
#include <proximal/text/pair_counts.hpp>
#include <proximal/text/parallel_for.hpp>
#include <proximal/text/post_processor.hpp>
#include <proximal/text/pre_tokenizer.hpp>
#include <proximal/text/pre_tokens.hpp>
#include <proximal/text/preferences.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <proximal/text/prompt_text.hpp>
#include <proximal/text/query_format.hpp>
#include <proximal/text/record_file.hpp>
#include <proximal/text/regex.hpp>
#include <proximal/text/rouge.hpp>
#include <proximal/text/text_episode.hpp>
#include <proximal/text/token_cache.hpp>
#include <proximal/text/tokenizer.hpp>
#include <proximal/text/tokenizer_config.hpp>
#include <proximal/text/utf8.hpp>
#include <proximal/text/younger_characters.hpp>
