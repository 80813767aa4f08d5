#!/usr/bin/env perl
# The stand-in convinces AWS's own SDK for JavaScript: emulator_js.cjs does the asking, with the packages
# that install-node-packages put into the build folder.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $packages = "$Chatbot::Httpd::BUILD/node";
-e "$packages/installed.json"
    or skip_all('the JavaScript SDK against the stand-in', 'no node 20 with npm, or its packages cannot be had');
$ENV{NODE_NO_WARNINGS} = 1;
ask_with(Chatbot::Emulator->start, 'node', "$FindBin::Bin/emulator_js.cjs", $packages);
