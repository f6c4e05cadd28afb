#include "wash/terminal/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <future>
#include <optional>

#include <gtest/gtest.h>

#include "wash/terminal/termination.h"

namespace nimbus::wash {
namespace {

using std::chrono::milliseconds;
using testing::ExitedWithCode;

// As another process sends it.
void sendThis(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

void waitFor(const Interrupt& interrupt) {
  std::promise<void> told;
  const std::stop_callback callback(interrupt.token(), [&told] { told.set_value(); });
  told.get_future().wait();
}

void interruptBy(const Interrupt& interrupt, int signal) {
  sendThis(signal);
  waitFor(interrupt);
}

// While nothing is to end the process.
void goOnFor(milliseconds time) {
  std::promise<void> end;
  ASSERT_EQ(end.get_future().wait_for(time), std::future_status::timeout);
}

[[noreturn]] void stayForEver() {
  while (true) ::pause();
}

TEST(InterruptTest, ASignalIsARequestToStopWithAStatus) {
  for (const auto [signal, status] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    const Interrupt interrupt;
    EXPECT_FALSE(interrupt.received());
    interruptBy(interrupt, signal);
    EXPECT_TRUE(Interrupt::current().stop_requested());
    EXPECT_EQ(interrupt.status(), status);
  }
  EXPECT_FALSE(Interrupt::current().stop_possible());
}

TEST(InterruptTest, APartIsToldOfASignalThatCameBeforeIt) {
  const Interrupt whole;
  {
    const Interrupt part;
  }
  interruptBy(whole, SIGTERM);
  const Interrupt part;
  EXPECT_TRUE(part.received());
  EXPECT_EQ(part.status(), 143);
  EXPECT_FALSE(whole.leftToThis());
}

TEST(InterruptTest, WhatAPartIsToldTheWholeIsToldToo) {
  const Interrupt whole;
  {
    const Interrupt part;
    interruptBy(part, SIGINT);
  }
  EXPECT_TRUE(whole.received());
  EXPECT_EQ(whole.status(), 130);
  EXPECT_FALSE(whole.leftToThis());
}

TEST(InterruptTest, WhatComesBehindAllPartsIsLeftToTheWhole) {
  Interrupt whole;
  {
    Interrupt part;
    part.end();
  }
  EXPECT_FALSE(whole.leftToThis());
  sendThis(SIGINT);
  whole.end();
  EXPECT_TRUE(whole.leftToThis());
}

TEST(InterruptTest, NothingIsLostBetweenTwo) {
  const net::TerminationSignalsBlocked throughout;
  std::optional<Interrupt> interrupt(std::in_place);
  interrupt->end();
  sendThis(SIGTERM);
  EXPECT_FALSE(interrupt->received());
  interrupt.emplace();
  waitFor(*interrupt);
  EXPECT_EQ(interrupt->status(), 143);
}

TEST(InterruptDeathTest, ASecondSignalEndsTheProcess) {
  const auto twice = [] {
    const Interrupt whole;
    const Interrupt part;
    interruptBy(part, SIGTERM);
    sendThis(SIGINT);
    stayForEver();
  };
  EXPECT_EXIT(twice(), ExitedWithCode(143), "");
}

TEST(InterruptDeathTest, TheSameSignalAgainAtOnceIsTheSameRequest) {
  constexpr int kOwn = 7;
  const auto comes_to_its_end = [] {
    const Interrupt interrupt;
    interruptBy(interrupt, SIGTERM);
    sendThis(SIGTERM);
    goOnFor(milliseconds(20));
    ::_exit(kOwn);
  };
  EXPECT_EXIT(comes_to_its_end(), ExitedWithCode(kOwn), "");
}

TEST(InterruptDeathTest, TheSameSignalAMomentLaterIsASecondOne) {
  const auto again_and_again = [] {
    const Interrupt interrupt;
    interruptBy(interrupt, SIGTERM);
    while (true) {
      goOnFor(milliseconds(10));
      sendThis(SIGTERM);
    }
  };
  EXPECT_EXIT(again_and_again(), ExitedWithCode(143), "");
}

TEST(InterruptDeathTest, APartWithABoundEndsTheProcessAlsoAfterASignalThatCameBeforeIt) {
  const auto stays = [] {
    const Interrupt whole;
    interruptBy(whole, SIGINT);
    const Interrupt part(milliseconds(1));
    stayForEver();
  };
  EXPECT_EXIT(stays(), ExitedWithCode(130), "");
}

TEST(InterruptDeathTest, TheBoundOfTheWholeCountsForASignalThatNoPartIsToldOf) {
  const auto stays = [] {
    const Interrupt whole(milliseconds(1));
    {
      const Interrupt part;
    }
    sendThis(SIGTERM);
    stayForEver();
  };
  EXPECT_EXIT(stays(), ExitedWithCode(143), "");
}

TEST(InterruptDeathTest, APartThatIsToldOfASignalMayTakeLongerThanTheBoundOfTheWhole) {
  constexpr int kWhole = 7;
  const auto comes_to_its_end = [] {
    const Interrupt whole(milliseconds(1));
    {
      const Interrupt part;
      sendThis(SIGTERM);
      waitFor(part);
      goOnFor(milliseconds(50));
    }
    goOnFor(milliseconds(50));
    ::_exit(kWhole);
  };
  EXPECT_EXIT(comes_to_its_end(), ExitedWithCode(kWhole), "");
}

TEST(TerminationTest, ASignalThatCameBeforeItIsWhatItWaitsFor) {
  const Interrupt whole;
  interruptBy(whole, SIGTERM);
  Termination termination;
  termination.wait();
  EXPECT_FALSE(whole.leftToThis());
}

TEST(TerminationTest, SomebodyElseMayRequestIt) {
  Termination termination;
  int requests = 0;
  termination.onRequest([&requests] { ++requests; });
  termination.request();
  termination.request();
  termination.wait();
  EXPECT_EQ(requests, 1);
}

TEST(TerminationDeathTest, TheSignalBehindARequestIsTheSecond) {
  const auto ends = [] {
    Termination termination;
    termination.request();
    sendThis(SIGINT);
    stayForEver();
  };
  EXPECT_EXIT(ends(), ExitedWithCode(130), "");
}

}  // namespace
}  // namespace nimbus::wash
