// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <proximal/io/process.hpp>
#include <proximal/lm/model/make_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/text/bpe_trainer.hpp>
#include <string>
#include <vector>

#include "temporary_folder.hpp"
#include "tiny_model.hpp"

namespace support {

/// A folder with a small policy, a reward model and prompts, and the program to train on them.
struct workshop {
    temporary_folder folder;
    std::filesystem::path const& here = folder.path;
    std::filesystem::path const out = here / "out";

    workshop() {
        auto const words =
            proximal::text::train_bpe(std::vector<std::string>{"the cat sat on the mat"}, {.vocabulary_size = 262});
        auto config = tiny_config();
        config["vocab_size"] = words.size();
        config["max_position_embeddings"] = 40;
        auto const policy = proximal::lm::make_causal_lm(config, 1);
        proximal::lm::save_model(policy, here / "policy");
        proximal::lm::save_model(proximal::lm::make_sequence_classifier(*policy.body, policy.config, 2),
                                 here / "reward");
        for (char const* name : {"policy", "reward"}) words.save(here / name);
        std::string lines;
        for (int i = 0; i < 24; ++i)
            lines += "{\"prompt\": \"the cat " + std::string(1, static_cast<char>('a' + i)) + "\"}\n";
        write("prompts.jsonl", lines);
    }
    void write(std::string const& name, std::string const& text) const {
        std::ofstream(here / name, std::ios::binary) << text;
    }
    std::string read(std::filesystem::path const& path) const {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    /// Runs ppo on the small models; later flags override. What it says on stdout and stderr, in one.
    proximal::io::process_result run(std::string const& flags) const {
        auto const* const programs = std::getenv("PROXIMAL_BIN");
        REQUIRE(programs != nullptr);
        std::string const command =
            "cd " + here.string() + " && HF_HUB_OFFLINE=1 HF_HUB_CACHE=" + (here / "hub").string() + " " + programs +
            "/ppo --sft_model_path policy --reward_model_path reward --dataset_name prompts.jsonl --output_dir out"
            " --per_device_train_batch_size 4 --response_length 4 --num_ppo_epochs 1 --num_sample_generations 1"
            " --total_episodes 8 " +
            flags + " 2>&1";
        return proximal::io::run_program("/bin/sh", {"-c", command});
    }
    /// The one sentence that ends a refused run, which must leave nothing behind.
    std::string refusal(std::string const& flags) const {
        auto const [status, output] = run(flags);
        INFO(output);
        CHECK(status == 1);
        CHECK_FALSE(std::filesystem::exists(out));
        auto const at = output.rfind("\nppo: ");
        REQUIRE(at != std::string::npos);
        auto const sentence = output.substr(at + 6, output.size() - at - 7);
        CHECK(sentence.find('\n') == std::string::npos);
        return sentence;
    }
};

}  // namespace support
