# A program with a heap worth looking at: an index is built, thinned out, rebuilt and reported.
use strict;
use warnings;

srand(10);
my @words = map { join '', map { chr(97 + int rand 26) } 1 .. 3 + int rand 10 } 1 .. 4000;
my %index;
for my $page (1 .. 1500) {
  my $text = join ' ', map { $words[rand @words] } 1 .. 5 + int rand 20;
  push @{$index{$_}}, $page for split / /, $text;
}
# Every other word goes, and leaves holes.
for my $word (sort keys %index) {
  delete $index{$word} if ord($word) % 2;
}
my %pages;
for my $word (sort keys %index) {
  $pages{$_} .= " $word" x (1 + $_ % 3) for @{$index{$word}};
}
my @longest = (sort { length $pages{$b} <=> length $pages{$a} || $a <=> $b } keys %pages)[0 .. 4];
print "$_: ", length $pages{$_}, "\n" for @longest;
undef %index;
my @report = map { sprintf "%05d %s", $_, substr $pages{$_}, 0, 200 } sort { $a <=> $b } keys %pages;
print scalar(@report), " pages\n";
