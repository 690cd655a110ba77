// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/process.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/model/save_model.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_model.hpp"

using namespace proximal;
namespace fs = std::filesystem;

namespace {

/// A folder with a small model and data, and the TL;DR programs to run on them.
struct tldr_workshop {
    support::temporary_folder folder;
    fs::path const& here = folder.path;

    tldr_workshop() {
        auto const words =
            text::train_bpe(std::vector<std::string>{"the cat sat on the mat TL;DR:"}, {.vocabulary_size = 264});
        auto config = support::tiny_config();
        config["vocab_size"] = words.size();
        config["max_position_embeddings"] = 48;
        lm::save_model(lm::make_causal_lm(config, 1), here / "model");
        words.save(here / "model");
        std::string sft, pairs;
        for (int i = 0; i < 24; ++i) {
            auto const letter = std::string(1, static_cast<char>('a' + i));
            sft += nlohmann::json{{"prompt", "the cat " + letter}, {"completion", " sat " + letter}}.dump() + "\n";
            pairs +=
                nlohmann::json{{"prompt", "the " + letter}, {"chosen", " mat"}, {"rejected", " " + letter}}.dump() +
                "\n";
        }
        write("sft/train.jsonl", sft);
        write("sft/validation.jsonl", sft);
        write("pairs/train.jsonl", pairs);
        write("pairs/test.jsonl", pairs);
    }
    void write(fs::path const& name, std::string const& text) const {
        fs::create_directories((here / name).parent_path());
        std::ofstream(here / name, std::ios::binary) << text;
    }
    std::string read(fs::path const& name) const {
        std::ifstream in(here / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    io::process_result run(std::string const& program_and_flags) const {
        auto const* const programs = std::getenv("PROXIMAL_BIN");
        REQUIRE(programs != nullptr);
        return io::run_program("/bin/sh",
                               {"-c", "cd " + here.string() + " && HF_HUB_OFFLINE=1 PROXIMAL_CACHE=" +
                                          (here / "cache").string() + " HF_HUB_CACHE=" + (here / "hub").string() + " " +
                                          programs + "/" + program_and_flags + " 2>&1"});
    }
    void refused(std::string const& program_and_flags, std::string const& sentence) const {
        auto const [status, output] = run(program_and_flags);
        INFO(program_and_flags << "\n" << output);
        CHECK(status == 1);
        CHECK_THAT(output, Catch::Contains(sentence));
        CHECK_THAT(output, !Catch::Contains("exception"));
    }
};

std::string const small = " --max_steps 3 --per_device_train_batch_size 4 --learning_rate 1e-2 --report_to none ";

}  // namespace

TEST_CASE("tldr: sft, reward, ppo_tldr, generate and judge_tldr hand their folders on") {
    tldr_workshop const at;
    auto const sft = at.run("sft --model_name_or_path model --dataset_name sft --output_dir sft_model" + small +
                            "--eval_strategy steps --eval_steps 2 --eval_generations 4 --response_length 4 "
                            "--num_sample_generations 1");
    INFO(sft.output);
    REQUIRE(sft.status == 0);
    CHECK_THAT(sft.output, Catch::Contains("24 rows to train on, 24 held out") && Catch::Contains("eval/rouge_l"));
    CHECK(io::read_json(at.here / "sft_model/config_sft.json")["max_steps"] == 3);
    CHECK(fs::exists(at.here / "sft_model/report.html"));

    auto const reward = at.run("reward --model_name_or_path sft_model --dataset_name pairs --output_dir reward_model" +
                               small + "--eval_strategy steps --eval_steps 3 --reference_dataset_name sft");
    INFO(reward.output);
    REQUIRE(reward.status == 0);
    CHECK_THAT(reward.output, Catch::Contains("eval/accuracy") && Catch::Contains("eval/calibration_error") &&
                                  Catch::Contains("with a new score head") &&
                                  Catch::Contains("the references' mean is 0"));
    auto const model = lm::load_sequence_classifier(at.here / "reward_model");
    auto const words = text::tokenizer::load(at.here / "reward_model");
    std::vector<lm::finished_episode> references;
    for (int i = 0; i < 24; ++i) {
        auto const letter = std::string(1, static_cast<char>('a' + i));
        references.push_back({words.encode("the cat " + letter), words.encode(" sat " + letter, false)});
        references.back().response.push_back(*words.eos_token_id());
    }
    CHECK(std::abs(lm::model_reward(model)(references).scores.mean().item<double>()) < 1e-5);

    auto const ppo = at.run(
        "ppo_tldr --sft_model_path sft_model --reward_model_path reward_model --dataset_name sft --output_dir "
        "ppo_model "
        "--per_device_train_batch_size 4 --response_length 4 --total_episodes 8 --stop_token eos "
        "--missing_eos_penalty 1.0 --num_sample_generations 1");
    INFO(ppo.output);
    REQUIRE(ppo.status == 0);
    CHECK(io::read_json(at.here / "ppo_model/config_ppo.json")["max_prompt_length"] == 512);

    auto const generated = at.run(
        "generate --model_name_or_path ppo_model --dataset_name sft --output_file out.jsonl "
        "--response_length 4 --num_examples 7 --batch_size 2");
    INFO(generated.output);
    REQUIRE(generated.status == 0);
    auto const whole = at.read("out.jsonl");
    CHECK(std::count(whole.begin(), whole.end(), '\n') == 7);
    auto const cut = whole.substr(0, whole.find('\n', whole.find('\n') + 1) + 10);  // two answers and a half
    at.write("out.jsonl", cut);
    auto const again = at.run(
        "generate --model_name_or_path ppo_model --dataset_name sft --output_file out.jsonl "
        "--response_length 4 --num_examples 7 --batch_size 3");
    CHECK_THAT(again.output, Catch::Contains("2 answers of an earlier call are kept"));
    CHECK(at.read("out.jsonl") == whole);

    at.refused(
        "generate --model_name_or_path sft_model --dataset_name sft --output_file out.jsonl --response_length 4 "
        "--num_examples 7",
        "holds answers with another model");

    for (std::string const judge : {"reward_model --reward_model_path reward_model", "rouge_l"}) {
        auto const judged = at.run(
            "judge_tldr --model_name_or_path ppo_model --dataset_name sft --num_examples 6 "
            "--response_length 4 --output_dir judged --judge " +
            judge);
        INFO(judged.output);
        REQUIRE(judged.status == 0);
        auto const last = judged.output.substr(judged.output.rfind("Model win rate: "));
        CHECK(last.ends_with("%\n"));
        CHECK(io::read_json(at.here / "judged/judge.json").contains("win_rate"));
    }
}

TEST_CASE("tldr: sft and reward stopped in mid-run are resumed to the same model") {
    tldr_workshop const at;
    std::string const flags =
        " --model_name_or_path model --per_device_train_batch_size 4 --learning_rate 1e-2 "
        "--report_to none --save_steps 2 ";
    for (auto const& [program, data] : {std::pair{"sft", "sft"}, {"reward", "pairs"}}) {
        auto const run = [&](std::string const& more) {
            auto const result = at.run(std::string(program) + flags + "--dataset_name " + data + more);
            INFO(result.output);
            REQUIRE(result.status == 0);
        };
        run(" --output_dir whole --max_steps 4 --lr_scheduler_type constant");
        run(" --output_dir half --max_steps 2 --lr_scheduler_type constant");
        run(" --output_dir half --max_steps 4 --lr_scheduler_type constant --resume_from_checkpoint true");
        CHECK(at.read("whole/model.safetensors") == at.read("half/model.safetensors"));
        fs::remove_all(at.here / "whole"), fs::remove_all(at.here / "half");
    }
}

TEST_CASE("tldr: bad input to every program is one sentence and a status of 1") {
    tldr_workshop const at;
    at.write("empty.jsonl", "");
    at.write("one.jsonl", R"({"prompt": "a", "completion": " b", "chosen": " b", "rejected": " c"})"
                          "\n");
    at.write("columns.jsonl", R"({"question": "a", "answer": "b"})"
                              "\n");
    at.write("equal.jsonl", R"({"prompt": "a", "chosen": " b", "rejected": " b"})"
                            "\n");
    at.write("unpaired.jsonl", R"({"prompt": "a", "chosen": " b"})"
                               "\n");
    at.write("cut.parquet", "PAR1 and no more");
    for (std::string const program : {"sft", "reward"}) {
        auto const run = program + " --model_name_or_path model --output_dir out --dataset_name ";
        at.refused(run + "empty.jsonl", "empty.jsonl");
        at.refused(run + "one.jsonl", "too few to set some aside");
        at.refused(run + "one.jsonl --eval_fraction 0", "fewer than one batch of 8");
        at.refused(run + "columns.jsonl", "its columns are answer, question");
        at.refused(run + "cut.parquet", "cut.parquet");
        at.refused(run + "nowhere", "nowhere");
        at.refused(program + " --dataset_name one.jsonl", "--model_name_or_path is missing");
        at.refused(program + " --model_name_or_path model", "--dataset_name is missing");
        at.refused(run + "sft --eval_strategy steps --eval_fraction 0 --dataset_test_split no_such", "no_such");
        CHECK_FALSE(fs::exists(at.here / "out"));
    }
    at.refused("reward --model_name_or_path model --output_dir out --dataset_name equal.jsonl", "equal.jsonl");
    at.refused("reward --model_name_or_path model --output_dir out --dataset_name unpaired.jsonl",
               "it has a \"chosen\" and no \"rejected\"");
    at.refused("generate --dataset_name sft", "--model_name_or_path is missing");
    at.refused("generate --model_name_or_path model", "--dataset_name is missing");
    at.refused("generate --model_name_or_path model --dataset_name columns.jsonl", "its columns are answer, question");
    at.write("other.jsonl", R"({"prompt": "something else", "completion": ""})"
                            "\n");
    at.refused("generate --model_name_or_path model --dataset_name sft --response_length 4 --output_file other.jsonl",
               "holds answers with another model");
    CHECK(at.read("other.jsonl").starts_with("{\"prompt\": \"something else\""));
    at.refused("judge_tldr --model_name_or_path model --dataset_name sft", "OPENAI_API_KEY");
    at.refused("judge_tldr --model_name_or_path model --dataset_name sft --judge rouge_l --reward_model_path model",
               "--reward_model_path would do nothing: it is read by --judge reward_model");
    at.refused("judge_tldr --model_name_or_path model --dataset_name sft --judge reward_model",
               "--reward_model_path is missing");
    at.refused(
        "judge_tldr --model_name_or_path model --dataset_name sft --judge reward_model --reward_model_path model",
        "has no score head");
    at.refused(
        "judge_tldr --model_name_or_path model --dataset_name pairs --judge rouge_l --num_examples 2 "
        "--response_length 2 --dataset_train_split train --output_dir not_judged",
        "no text \"completion\"");
    CHECK_FALSE(
        std::filesystem::exists(at.folder.path / "not_judged" / "answers.jsonl"));  // told before any is written
    at.refused("ppo_tldr --sft_model_path model", "there is no reward");
    at.refused("ppo_tldr --sft_model_path model --reward_model_path model --dataset_name sft", "has no score head");
    at.refused("tldr_miniature --seeds 0", "seeds");
}
