#!/usr/bin/env perl
# The stand-in's AgentCore runtimes convince AWS's own SDK for Python: emulator_agentcore.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $python = find_python('import boto3; boto3.client("bedrock-agentcore", region_name="us-east-1").stop_runtime_session')
    or skip_all('AgentCore against the stand-in', 'no python3 here has a boto3 with stop_runtime_session');
ask_with(Chatbot::Emulator->start, $python, '-B', "$FindBin::Bin/emulator_agentcore.py");
