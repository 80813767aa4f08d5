#!/usr/bin/env perl
# The stand-in's OpenAI server convinces the official client: emulator_openai.cjs does the asking, with
# the packages that install-node-packages put into the build folder.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $packages = "$Chatbot::Httpd::BUILD/node";
-e "$packages/node_modules/openai"
    or skip_all('the OpenAI client against the stand-in', 'no node 20 with npm, or its packages cannot be had');
ask_with(Chatbot::Emulator->start(config => 'EmulatorOpenAIKey the-key'),
    'node', "$FindBin::Bin/emulator_openai.cjs", $packages);
