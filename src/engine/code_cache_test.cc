#include "engine/code_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "engine/code_cache_file.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

namespace fs = std::filesystem;

constexpr CodeCache::Fingerprint kFingerprint{1, 2, 3};
constexpr CodeCache::Fingerprint kOther{1, 2, 4};
constexpr std::uint64_t kPlenty = 1 << 20;

std::string readAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

Sha256 digestOf(std::string_view wasm) { return sha256(asBytes(wasm)); }

class CodeCacheTest : public ::testing::Test {
 protected:
  CodeCache open(std::uint64_t max_bytes = kPlenty) {
    auto opened = CodeCache::open(path_, max_bytes, *log_);
    EXPECT_TRUE(opened) << opened.error().describe();
    return *std::move(opened);
  }
  static void put(CodeCache& cache, std::string_view wasm, std::string_view code) {
    const auto kept = cache.put(digestOf(wasm), kFingerprint, asBytes(code));
    EXPECT_TRUE(kept) << kept.error().describe();
  }
  static bool has(CodeCache& cache, std::string_view wasm) {
    return cache.find(digestOf(wasm), kFingerprint).has_value();
  }
  std::string onlyFile() const {
    const auto files = filesIn(path_);
    EXPECT_EQ(files.size(), 1);
    return path_ + "/" + files.front();
  }
  // The file of that component was last used so many seconds after 1970.
  void setUsed(std::string_view wasm, std::int64_t seconds) const {
    const std::string path =
        path_ + "/" + toHex(digestOf(wasm)) + "-" + toHex(kFingerprint) + ".code";
    const timespec times[2] = {{seconds, 0}, {0, UTIME_OMIT}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("code");
  std::unique_ptr<Logger> log_ = makeNullLogger();
};

TEST_F(CodeCacheTest, GivesBackWhatWasPut) {
  CodeCache cache = open();
  EXPECT_FALSE(has(cache, "wasm"));
  put(cache, "wasm", "native code");
  const auto entry = cache.find(digestOf("wasm"), kFingerprint);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->codeBytes(), 11);
  // The code stands first, so that it can be mapped from the descriptor as it is.
  EXPECT_TRUE(readAll(entry->path()).starts_with("native code"));
  EXPECT_EQ(readAll(entry->path()).size(), 11 + kTrailerBytes);
}

TEST_F(CodeCacheTest, AnEntryStaysReadableAfterItsFileIsGone) {
  CodeCache cache = open();
  put(cache, "wasm", "native code");
  const auto entry = cache.find(digestOf("wasm"), kFingerprint);
  ASSERT_TRUE(entry);
  fs::remove(onlyFile());
  EXPECT_TRUE(readAll(entry->path()).starts_with("native code"));
}

TEST_F(CodeCacheTest, CodeOfAnotherEngineIsNotFound) {
  CodeCache cache = open();
  put(cache, "wasm", "native code");
  EXPECT_FALSE(cache.find(digestOf("wasm"), kOther));
  EXPECT_TRUE(has(cache, "wasm")) << "asking for another engine's must not delete this one's";
}

TEST_F(CodeCacheTest, AFileUnderTheNameOfAnotherEngineIsNotTrusted) {
  CodeCache cache = open();
  put(cache, "wasm", "native code");
  const std::string other = path_ + "/" + toHex(digestOf("wasm")) + "-" + toHex(kOther) + ".code";
  fs::rename(onlyFile(), other);
  EXPECT_FALSE(cache.find(digestOf("wasm"), kOther));
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(CodeCacheTest, AFileUnderTheNameOfAnotherComponentIsNotTrusted) {
  CodeCache cache = open();
  put(cache, "a", "code of a");
  const std::string other =
      path_ + "/" + toHex(digestOf("b")) + "-" + toHex(kFingerprint) + ".code";
  fs::rename(onlyFile(), other);
  EXPECT_FALSE(has(cache, "b"));
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(CodeCacheTest, AnyFlippedBitMakesTheFileUnknownAndDeletesIt) {
  CodeCache cache = open();
  put(cache, "wasm", "code");
  const std::string path = onlyFile();
  const std::string good = readAll(path);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    overwrite(path, bad);
    EXPECT_FALSE(has(cache, "wasm")) << "byte " << at;
    EXPECT_FALSE(fs::exists(path)) << "byte " << at;
    overwrite(path, good);
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
  }
  EXPECT_TRUE(has(cache, "wasm"));
}

TEST_F(CodeCacheTest, ATruncatedOrLongerFileIsDeleted) {
  CodeCache cache = open();
  put(cache, "wasm", "code");
  const std::string path = onlyFile();
  const std::string good = readAll(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    overwrite(path, good.substr(0, size));
    ::chmod(path.c_str(), 0600);
    EXPECT_FALSE(has(cache, "wasm")) << size << " bytes";
    EXPECT_FALSE(fs::exists(path)) << size << " bytes";
  }
  overwrite(path, good + "x");
  ::chmod(path.c_str(), 0600);
  EXPECT_FALSE(has(cache, "wasm"));
}

TEST_F(CodeCacheTest, AFileOthersMayWriteIsNotTrusted) {
  CodeCache cache = open();
  put(cache, "wasm", "code");
  ::chmod(onlyFile().c_str(), 0620);
  EXPECT_FALSE(has(cache, "wasm"));
}

TEST_F(CodeCacheTest, ASymbolicLinkIsNotFollowed) {
  CodeCache cache = open();
  put(cache, "wasm", "code");
  const std::string path = onlyFile();
  const std::string elsewhere = folder_.path("elsewhere");
  fs::rename(path, elsewhere);
  fs::create_symlink(elsewhere, path);
  EXPECT_FALSE(has(cache, "wasm"));
  EXPECT_TRUE(fs::exists(elsewhere));
  put(cache, "wasm", "code");
  EXPECT_FALSE(fs::is_symlink(path)) << "the new file replaces the link";
  EXPECT_TRUE(has(cache, "wasm"));
}

TEST_F(CodeCacheTest, APipeInPlaceOfAFileDoesNotBlock) {
  CodeCache cache = open();
  put(cache, "wasm", "code");
  const std::string path = onlyFile();
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(has(cache, "wasm"));
}

TEST_F(CodeCacheTest, TheFolderMustBelongToTheUserAlone) {
  for (const mode_t mode : {0750, 0705, 0777, 0701}) {
    fs::create_directories(path_);
    ::chmod(path_.c_str(), mode);
    const auto opened = CodeCache::open(path_, kPlenty, *log_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_NE(opened.error().message().find("0700"), std::string::npos);
  }
}

TEST_F(CodeCacheTest, TheFolderMustNotBeALinkOrAFile) {
  fs::create_directories(folder_.path("real"));
  ::chmod(folder_.path("real").c_str(), 0700);
  fs::create_symlink(folder_.path("real"), path_);
  EXPECT_EQ(CodeCache::open(path_, kPlenty, *log_).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeCache::open(path_ + "/", kPlenty, *log_).error().code(),
            ErrorCode::kPermissionDenied);
  overwrite(folder_.path("file"), "");
  EXPECT_EQ(CodeCache::open(folder_.path("file"), kPlenty, *log_).error().code(),
            ErrorCode::kPermissionDenied);
}

TEST_F(CodeCacheTest, MakesItsFolderWithTheParentsItNeeds) {
  path_ = folder_.path("a/b/code");
  auto opened = CodeCache::open(path_ + "/", kPlenty, *log_);
  ASSERT_TRUE(opened) << opened.error().describe();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700);
}

TEST_F(CodeCacheTest, TheLeastRecentlyUsedGoFirst) {
  const std::string code(1000, 'c');
  CodeCache cache = open(3 * (1000 + kTrailerBytes));
  put(cache, "a", code);
  put(cache, "b", code);
  put(cache, "c", code);
  setUsed("a", 1000);
  setUsed("b", 2000);
  setUsed("c", 3000);
  EXPECT_TRUE(has(cache, "a"));  // used now
  put(cache, "d", code);
  EXPECT_TRUE(has(cache, "a"));
  EXPECT_FALSE(has(cache, "b"));
  EXPECT_TRUE(has(cache, "c"));
  EXPECT_TRUE(has(cache, "d"));
}

TEST_F(CodeCacheTest, AFileLargerThanTheLimitStandsAlone) {
  CodeCache cache = open(100);
  put(cache, "a", "small");
  put(cache, "b", std::string(1000, 'c'));
  EXPECT_FALSE(has(cache, "a"));
  EXPECT_TRUE(has(cache, "b"));
}

TEST_F(CodeCacheTest, LeftoverTemporaryFilesAreNotFoundAndAreEvicted) {
  CodeCache cache = open(2000);
  put(cache, "a", "code");
  const std::string leftover = onlyFile() + ".Ab3dEf";
  overwrite(leftover, std::string(1900, 'x'));
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  ::utimensat(AT_FDCWD, leftover.c_str(), long_ago, 0);
  EXPECT_TRUE(has(cache, "a"));
  put(cache, "b", "code");
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_TRUE(has(cache, "a"));
  EXPECT_TRUE(has(cache, "b"));
}

TEST_F(CodeCacheTest, FilesOfOthersNeitherCountNorGo) {
  CodeCache cache = open(2 * (1000 + kTrailerBytes));
  const std::string code(1000, 'c');
  put(cache, "a", code);
  const std::string ours = onlyFile();
  std::vector<std::string> others = {ours + ".tar.gz", ours + ".old", ours + "-Ab3dEf",
                                     ours.substr(0, ours.size() - 1)};
  for (const char* name : {"id_rsa", "notes.code", "precious.tar"})
    others.push_back(fs::path(ours).parent_path() / name);
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  for (const std::string& file : others) {
    overwrite(file, std::string(5000, 'x'));
    ::utimensat(AT_FDCWD, file.c_str(), long_ago, 0);
  }
  setUsed("a", 2000);
  put(cache, "b", code);
  EXPECT_TRUE(has(cache, "a"));
  setUsed("a", 2000);
  put(cache, "c", code);
  EXPECT_FALSE(has(cache, "a"));
  EXPECT_TRUE(has(cache, "b"));
  for (const std::string& file : others) EXPECT_TRUE(fs::exists(file)) << file;
}

TEST_F(CodeCacheTest, ManyMayPutAndFindTheSameAtOnce) {
  CodeCache cache = open();
  CodeCache other_process = open();
  const std::string code(100'000, 'c');
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        CodeCache& mine = i % 2 == 0 ? cache : other_process;
        for (int round = 0; round < 10; ++round) {
          EXPECT_TRUE(mine.put(digestOf("wasm"), kFingerprint, asBytes(code)));
          // Whichever put it: never half a file.
          EXPECT_TRUE(mine.find(digestOf("wasm"), kFingerprint));
        }
      });
    }
  }
  EXPECT_EQ(filesIn(path_).size(), 1) << "no temporary file stays";
}

TEST_F(CodeCacheTest, AFailedPutLeavesNothingBehind) {
  CodeCache cache = open();
  fs::remove_all(path_);
  EXPECT_EQ(cache.put(digestOf("wasm"), kFingerprint, asBytes("code")).error().code(),
            ErrorCode::kIo);
  EXPECT_FALSE(has(cache, "wasm"));
}

TEST(CodeCacheFile, AFileIsForTheKeyItWasMadeForAlone) {
  const std::string_view code = "machine code";
  const CodeKey key{digestOf("wasm"), kFingerprint};
  std::string file(code);
  file += asText(encodeTrailer(key, asBytes(code)));
  const auto found = verifyCodeFile(asBytes(file), key);
  ASSERT_TRUE(found);
  EXPECT_EQ(asText(*found), code);
  EXPECT_FALSE(verifyCodeFile(asBytes(file), {digestOf("wasm"), kOther}));
  EXPECT_FALSE(verifyCodeFile(asBytes(file), {digestOf("other"), kFingerprint}));
}

TEST(CodeCacheFile, TheBytesOfTheTrailerAreThoseOfTheDocument) {
  const std::string code(0x0102, 'x');
  const auto trailer = encodeTrailer({digestOf("wasm"), kFingerprint}, asBytes(code));
  const ByteView bytes(trailer);
  EXPECT_EQ(asText(bytes.first(8)), "NIMBCODE");
  EXPECT_EQ(toHex(bytes.subspan(8, 16)), "02000000000000000201000000000000");
  EXPECT_EQ(toHex(bytes.subspan(24, 16)), "01020300000000000000000000000000");
  EXPECT_EQ(toHex(bytes.subspan(40, 32)), toHex(digestOf("wasm")));
  EXPECT_EQ(toHex(bytes.subspan(72)), toHex(digestOf(code + std::string(asText(bytes.first(72))))));
}

TEST(CodeCacheFile, AFileOfVersion1IsNotTrusted) {
  const std::string code = "code";
  std::string file = code + "NIMBCODE";
  file += std::string("\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16);
  file += asText(ByteView(kFingerprint));
  file += asText(sha256(asBytes(code)));
  EXPECT_FALSE(verifyCodeFile(asBytes(file), {digestOf("wasm"), kFingerprint}));
}

TEST(CodeCacheFile, ATrailerWithoutCodeIsNothing) {
  const CodeKey key{digestOf("wasm"), kFingerprint};
  EXPECT_FALSE(verifyCodeFile(encodeTrailer(key, {}), key));
  EXPECT_FALSE(verifyCodeFile({}, key));
}

}  // namespace
}  // namespace nimbus::engine
